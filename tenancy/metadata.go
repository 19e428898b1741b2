package tenancy

import (
	"fmt"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Patch is a change to a map of metadata or attributes. A nil value deletes its key, and keys that are absent
// stay (rule G3). [SetKeys] makes one.
type Patch = map[string]*string

// metadata checks a whole map and copies it; an empty map becomes nil (rule G3).
func (l *Limits) metadata(field string, m map[string]string) (map[string]string, error) {
	return l.noLarger(field, m, 0)
}

// noLarger is metadata for a map that replaces one of than bytes. A map that is already over the limit may keep
// its size, but not grow (rule G9).
func (l *Limits) noLarger(field string, m map[string]string, than int) (map[string]string, error) {
	if len(m) == 0 {
		return nil, nil
	}
	if sizeOf(m) > max(l.MetadataSize, than) {
		return nil, invalid(field, fmt.Sprintf("has more than %d bytes", l.MetadataSize))
	}
	if len(m) > l.MetadataKeys {
		return nil, invalid(field, fmt.Sprintf("has %d keys, at most %d", len(m), l.MetadataKeys))
	}
	for key, value := range m {
		if err := l.entry(field, key, value); err != nil {
			return nil, err
		}
	}
	return maps.Clone(m), nil
}

// sizeOf returns the size of all keys and values of a map in bytes.
func sizeOf(m map[string]string) int {
	n := 0
	for key, value := range m {
		n += len(key) + len(value)
	}
	return n
}

func (l *Limits) entry(field, key, value string) error {
	switch {
	case !printable(key) || key == "" || utf8.RuneCountInString(key) > l.MetadataKey:
		return invalid(field, fmt.Sprintf("a key must have 1 to %d printable characters", l.MetadataKey))
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return invalid(field+"."+key, "is not UTF-8 text")
	case utf8.RuneCountInString(value) > l.MetadataValue:
		return invalid(field+"."+key, fmt.Sprintf("has more than %d characters", l.MetadataValue))
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// patch applies p to a copy of m.
func (l *Limits) patch(field string, m map[string]string, p Patch) (map[string]string, error) {
	if len(p) == 0 {
		return m, nil
	}
	patched := maps.Clone(m)
	if patched == nil {
		patched = make(map[string]string, len(p))
	}
	for key, value := range p {
		if value == nil {
			delete(patched, key)
		} else {
			patched[key] = *value
		}
	}
	return l.noLarger(field, patched, sizeOf(m))
}

// features applies a patch of flags to a copy of m.
func (l *Limits) features(m map[string]bool, p map[string]*bool) (map[string]bool, error) {
	if len(p) == 0 {
		return m, nil
	}
	patched := maps.Clone(m)
	if patched == nil {
		patched = make(map[string]bool, len(p))
	}
	for key, value := range p {
		if !printable(key) || key == "" || utf8.RuneCountInString(key) > l.MetadataKey {
			return nil, invalid("features", fmt.Sprintf("a key must have 1 to %d printable characters", l.MetadataKey))
		}
		if value == nil {
			delete(patched, key)
		} else {
			patched[key] = *value
		}
	}
	if len(patched) > l.FeatureFlags {
		return nil, invalid("features", fmt.Sprintf("has %d flags, at most %d", len(patched), l.FeatureFlags))
	}
	if len(patched) == 0 {
		return nil, nil
	}
	return patched, nil
}
