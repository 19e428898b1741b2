package servicetest

import (
	"encoding/binary"
	"sync/atomic"
)

// Source gives ids and randomness that repeat themselves when it is set back,
// so that two runs of one call can be compared.
type Source struct{ N uint64 }

// NewID is the next id.
func (s *Source) NewID() [16]byte {
	s.N++
	var id [16]byte
	id[6], id[8] = 0x70, 0x80
	binary.BigEndian.PutUint64(id[8:], s.N|1<<63)
	return id
}

// Read gives the next bytes.
func (s *Source) Read(p []byte) (int, error) {
	for i := range p {
		s.N++
		p[i] = byte(s.N * 151 >> 3)
	}
	return len(p), nil
}

// Counter makes ids that look like version 7 UUIDs and grow.
func Counter() func() [16]byte {
	var n atomic.Uint64
	return func() [16]byte {
		id := [16]byte{0x01, 0x90, 6: 0x70, 8: 0x80}
		binary.BigEndian.PutUint32(id[12:], uint32(n.Add(1)))
		return id
	}
}
