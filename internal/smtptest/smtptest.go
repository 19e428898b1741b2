// Package smtptest is a mail server on loopback for tests and examples: it takes every
// mail and delivers none.
package smtptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// Mail is a mail as it came in.
type Mail struct {
	From, To string // of the envelope
	Header   mail.Header
	Text     string // decoded
	Secure   bool   // it came over TLS
	Auth     string // what AUTH PLAIN said, in base64
}

// Server takes mails. Set the fields before it is used.
type Server struct {
	TLS    *tls.Config // offers STARTTLS; nil: it does not
	Refuse string      // a command to answer with 550, such as "RCPT"
	Hang   string      // a command never to answer

	listener net.Listener
	mu       sync.Mutex
	mails    []Mail
	conns    map[net.Conn]bool
	serving  sync.WaitGroup
}

// Start begins to listen on a free port of loopback.
func (s *Server) Start() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.listener, s.conns = listener, map[net.Conn]bool{}
	s.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.serving.Go(func() { s.serve(conn) })
		}
	})
	return nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends the server and everything that it is doing.
func (s *Server) Close() {
	s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// Mails are those that came in so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// session is one connection.
type session struct {
	server *Server
	conn   net.Conn
	text   *textproto.Conn
	mail   Mail
}

func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	c := &session{server: s, conn: conn, text: textproto.NewConn(conn)}
	c.say("220 smtptest")
	for {
		line, err := c.text.ReadLine()
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(line, " ")
		if !c.answer(strings.ToUpper(command), rest) {
			return
		}
	}
}

func (c *session) say(lines ...string) {
	for _, line := range lines {
		_ = c.text.PrintfLine("%s", line) // a client that has gone is found out by reading
	}
}

// answer does what a command says, and reports whether more may come.
func (c *session) answer(command, rest string) bool {
	switch command {
	case c.server.Hang:
		_, _ = io.Copy(io.Discard, c.conn)
		return false
	case c.server.Refuse:
		c.say("550 no")
		return true
	case "EHLO":
		c.hello()
	case "STARTTLS":
		return c.startTLS()
	case "AUTH":
		c.mail.Auth = strings.TrimPrefix(rest, "PLAIN ")
		c.say("235 welcome")
	case "MAIL":
		c.mail.From = address(rest)
		c.say("250 ok")
	case "RCPT":
		c.mail.To = address(rest)
		c.say("250 ok")
	case "DATA":
		c.say("354 go on")
		return c.data()
	case "QUIT":
		c.say("221 bye")
		return false
	default:
		c.say("500 what")
	}
	return true
}

func (c *session) hello() {
	if c.server.TLS != nil && !c.mail.Secure {
		c.say("250-smtptest", "250 STARTTLS")
		return
	}
	c.say("250-smtptest", "250 AUTH PLAIN")
}

func (c *session) startTLS() bool {
	if c.server.TLS == nil {
		c.say("502 no")
		return true
	}
	c.say("220 go ahead")
	secure := tls.Server(c.conn, c.server.TLS)
	if secure.Handshake() != nil {
		return false
	}
	c.text, c.mail.Secure = textproto.NewConn(secure), true
	return true
}

// data takes the mail itself.
func (c *session) data() bool {
	body, err := c.text.ReadDotBytes()
	if err != nil {
		return false
	}
	message, err := mail.ReadMessage(bufio.NewReader(bytes.NewReader(body)))
	if err != nil {
		c.say("554 is no mail")
		return true
	}
	text, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	if err != nil {
		c.say("554 is no quoted-printable")
		return true
	}
	c.mail.Header, c.mail.Text = message.Header, string(text)
	c.server.mu.Lock()
	c.server.mails = append(c.server.mails, c.mail)
	c.server.mu.Unlock()
	c.say("250 taken")
	return true
}

func address(rest string) string {
	_, after, _ := strings.Cut(rest, "<")
	inside, _, _ := strings.Cut(after, ">")
	return inside
}
