package dnstest

import (
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// Answer is what the server says when it is asked for a name. The zero Answer says
// that the name is there and has no records.
type Answer struct {
	// TXT are the TXT records, each with the strings that it is split into, at most
	// 255 bytes a string.
	TXT [][]string
	// Addrs are the A and AAAA records. A mapped address is an AAAA record.
	Addrs []netip.Addr
	// AAAA is said instead where AAAA records are asked for, if it is set.
	AAAA *Answer
	// RCode is the response code; anything but success leaves the records out.
	RCode dnsmessage.RCode
	// Silent keeps the server from answering at all.
	Silent bool
	// Truncated has everything asked for again over TCP. What is too long for UDP is
	// truncated by itself.
	Truncated bool
	// WrongID and WrongQuestion answer a question that was not asked.
	WrongID, WrongQuestion bool
}

// NXDomain answers that there is no such name.
func NXDomain() Answer { return Answer{RCode: dnsmessage.RCodeNameError} }

// ServFail answers that the name server is in trouble.
func ServFail() Answer { return Answer{RCode: dnsmessage.RCodeServerFailure} }

// Refused answers that the name server will not say.
func Refused() Answer { return Answer{RCode: dnsmessage.RCodeRefused} }

// Silence does not answer.
func Silence() Answer { return Answer{Silent: true} }

// TXT answers with a TXT record for each value, split as DNS demands.
func TXT(values ...string) Answer {
	var a Answer
	for _, value := range values {
		var split []string
		for len(value) > maxString {
			split = append(split, value[:maxString])
			value = value[maxString:]
		}
		a.TXT = append(a.TXT, append(split, value))
	}
	return a
}

// Addr answers with an A or AAAA record for each address; text that is no address
// panics.
func Addr(addresses ...string) Answer {
	var a Answer
	for _, address := range addresses {
		a.Addrs = append(a.Addrs, netip.MustParseAddr(address))
	}
	return a
}

const maxString = 255

// write adds the answer's records of the type asked for.
func (a Answer) write(b *dnsmessage.Builder, q dnsmessage.Question) error {
	h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
	if q.Type == dnsmessage.TypeTXT {
		for _, record := range a.TXT {
			if err := b.TXTResource(h, dnsmessage.TXTResource{TXT: record}); err != nil {
				return err
			}
		}
	}
	for _, addr := range a.Addrs {
		var err error
		switch {
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			err = b.AResource(h, dnsmessage.AResource{A: addr.As4()})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			err = b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: addr.As16()})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reply packs the answer to a query. A failure to pack is an Answer that DNS cannot
// carry, and is told as SERVFAIL.
func (a Answer) reply(id uint16, q dnsmessage.Question, truncated bool) []byte {
	h := dnsmessage.Header{
		ID: id, Response: true, Authoritative: true, RecursionDesired: true, RecursionAvailable: true,
		RCode: a.RCode, Truncated: truncated,
	}
	if a.WrongID {
		h.ID ^= 0xffff
	}
	if a.WrongQuestion {
		q.Name = dnsmessage.MustNewName("liar.invalid.")
	}
	message, err := pack(h, q, a)
	if err != nil {
		h.RCode = dnsmessage.RCodeServerFailure
		message, _ = pack(h, q, ServFail()) // a header and a question that came packed
	}
	return message
}

func pack(h dnsmessage.Header, q dnsmessage.Question, a Answer) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, h)
	b.EnableCompression()
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	if h.RCode == dnsmessage.RCodeSuccess && !h.Truncated {
		if err := a.write(&b, q); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}
