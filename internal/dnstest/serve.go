package dnstest

import (
	"encoding/binary"
	"io"
	"net"

	"golang.org/x/net/dns/dnsmessage"
)

// maxUDP is what Go's resolver takes over UDP, in bytes.
const maxUDP = 1232

// serveUDP answers until the socket is closed.
func (s *Server) serveUDP() {
	defer s.running.Done()
	buf := make([]byte, 64<<10)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if reply := s.handle(buf[:n], false); reply != nil {
			_, _ = s.udp.WriteToUDPAddrPort(reply, from) // lost, as datagrams are
		}
	}
}

// serveTCP answers each connection in a goroutine, until the listener is closed.
func (s *Server) serveTCP() {
	defer s.running.Done()
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return
		}
		if s.track(conn) {
			go s.serveConn(conn)
		}
	}
}

// track notes a connection for Close, unless that is under way.
func (s *Server) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return false
	}
	s.open[conn] = struct{}{}
	s.running.Add(1)
	return true
}

// serveConn answers messages, each after its length, until the connection ends.
func (s *Server) serveConn(conn net.Conn) {
	defer s.running.Done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, conn)
		_ = conn.Close()
	}()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply := s.handle(query, true)
		if reply == nil {
			continue
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

// handle gives the reply to a message, or nil where there is none to give.
func (s *Server) handle(query []byte, tcp bool) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil || h.Response {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	a := s.answer(q, tcp)
	if a.Silent {
		return nil
	}
	reply := a.reply(h.ID, q, a.Truncated && !tcp)
	if !tcp && len(reply) > maxUDP {
		return a.reply(h.ID, q, true)
	}
	return reply
}
