package rules

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/freehold-dev/freehold/tenancy"
)

// sighting is a thing of an organization at a place in an answer.
type sighting struct{ path, what string }

// traceSearch searches one answer.
type traceSearch struct {
	*traces
	given map[string]bool // texts that the call itself named
	seen  map[sighting]bool
}

// look searches a result and an error for an organization's ids, as text and as 16 bytes, for
// its mark, for positions and for counts. It reads all exported fields, also those that JSON
// leaves out, and the JSON.
func (t *traces) look(result any, err error, given map[string]bool) map[sighting]bool {
	s := &traceSearch{traces: t, given: given, seen: map[sighting]bool{}}
	s.value("", reflect.ValueOf(result))
	if text, failed := json.Marshal(result); failed == nil {
		s.json("", text)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		s.text("error", err.Error())
		var e *tenancy.Error
		if errors.As(err, &e) && error(e) == err {
			told := *e
			told.Err = nil
			s.value("error", reflect.ValueOf(told))
			s.numbers(told)
		}
	}
	for seen := range s.seen { // the text of an error repeats its fields
		if strings.HasPrefix(seen.path, "error.") {
			delete(s.seen, sighting{"error", seen.what})
		}
	}
	return s.seen
}

// numbers reports an error that counts things, where the call named another organization.
func (s *traceSearch) numbers(e tenancy.Error) {
	if len(s.given) > 0 && (len(e.Counts) > 0 || strings.ContainsFunc(e.Reason, unicode.IsDigit)) {
		s.see("error", "count")
	}
}

func (s *traceSearch) see(path, what string) { s.seen[sighting{path, what}] = true }

func (s *traceSearch) value(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			s.value(path, v.Elem())
		}
	case reflect.Struct:
		s.fields(path, v)
	case reflect.Map:
		for _, key := range v.MapKeys() {
			s.value(path, key)
			s.value(fieldPath(path, key.String()), v.MapIndex(key))
		}
	case reflect.Array:
		s.id(path, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			s.json(path, v.Bytes())
			return
		}
		for i := range v.Len() {
			s.value(path, v.Index(i))
		}
	case reflect.String:
		s.text(path, v.String())
	case reflect.Int64:
		if v.Type().Name() == "Position" && v.Int() != 0 {
			s.see(path, "position") // in the one log of all organizations
		}
	}
}

func (s *traceSearch) id(path string, v reflect.Value) {
	if !v.Type().ConvertibleTo(reflect.TypeFor[[16]byte]()) {
		return
	}
	raw, _ := v.Convert(reflect.TypeFor[[16]byte]()).Interface().([16]byte)
	text, _ := v.Interface().(fmt.Stringer)
	if kind, ok := s.raw[raw]; ok && (text == nil || !s.given[text.String()]) {
		s.see(path, "id of "+kind)
	}
}

// fields searches a struct. A path has the names of JSON.
func (s *traceSearch) fields(path string, v reflect.Value) {
	if _, clock := v.Interface().(time.Time); clock {
		return
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if field.Anonymous && field.Tag == "" {
			s.value(path, v.Field(i))
			continue
		}
		s.value(fieldPath(path, jsonName(field)), v.Field(i))
	}
}

// jsonName is a field's name in JSON, or its Go name where JSON leaves it out.
func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" || name == "-" {
		return field.Name
	}
	return name
}

func fieldPath(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// json searches a text that may be JSON.
func (s *traceSearch) json(path string, text []byte) {
	var v any
	if json.Unmarshal(text, &v) == nil {
		s.value(path, reflect.ValueOf(v))
		return
	}
	s.text(path, string(text))
}

// text searches a text for the mark and for TypeIDs, and, decoded like a cursor, for raw ids.
func (s *traceSearch) text(path, text string) {
	bare := strings.ToLower(text)
	for given := range s.given {
		bare = strings.ReplaceAll(bare, strings.ToLower(given), "")
	}
	if strings.Contains(bare, victimMark) {
		s.see(path, "text")
	}
	for at := strings.IndexByte(bare, '_'); at >= 0; {
		rest := bare[at+1:]
		if len(rest) >= typeIDSuffix {
			if kind, ok := s.traces.text[rest[:typeIDSuffix]]; ok {
				s.see(path, "id of "+kind)
			}
		}
		next := strings.IndexByte(rest, '_')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	for _, raw := range [][]byte{decoded(text), []byte(text)} {
		for i := 0; i+16 <= len(raw); i++ {
			if kind, ok := s.raw[[16]byte(raw[i:i+16])]; ok {
				s.see(path, "id of "+kind)
			}
		}
	}
}

// decoded decodes base64; nil for another text.
func decoded(text string) []byte {
	if raw, err := base64.RawURLEncoding.DecodeString(text); err == nil {
		return raw
	}
	return nil
}
