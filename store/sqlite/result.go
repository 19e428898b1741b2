package sqlite

import (
	"errors"
	"reflect"

	driver "modernc.org/sqlite"
)

// resultOf is SQLite's result code behind an error of a driver's, extended where the
// driver keeps that. ok is false for an error that has none.
//
// Drivers agree on no interface for it, and this package links but one of them: of the
// others it looks for a method or a field that is called ExtendedCode or Code and is an
// integer, whatever that integer's type is called. An error that is an integer and has such a
// method is the code itself.
func resultOf(err error) (result int, ok bool) {
	var fault *driver.Error
	if errors.As(err, &fault) {
		return fault.Code(), true
	}
	return resultOfOther(err)
}

// resultOfOther looks along what err wraps, itself first.
func resultOfOther(err error) (result int, ok bool) {
	if err == nil {
		return 0, false
	}
	if result = resultIn(reflect.ValueOf(err)); result != 0 {
		return result, true
	}
	switch under := err.(type) {
	case interface{ Unwrap() error }:
		return resultOfOther(under.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range under.Unwrap() {
			if result, ok = resultOfOther(one); ok {
				return result, true
			}
		}
	}
	return 0, false
}

// resultIn is the code that one error tells, 0 if it tells none.
func resultIn(v reflect.Value) int {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return 0
	}
	// The names are constants: the linker else keeps every method of a program.
	if code := called(v.MethodByName("ExtendedCode")); code != 0 {
		return code
	}
	if code := called(v.MethodByName("Code")); code != 0 {
		if isInteger(v.Type()) { // it is the extended code itself, and that method cuts it
			return integer(v)
		}
		return code
	}
	if v = reflect.Indirect(v); v.Kind() != reflect.Struct {
		return 0
	}
	for _, name := range []string{"ExtendedCode", "Code"} {
		field, ok := v.Type().FieldByName(name)
		if !ok || len(field.Index) > 1 || !isInteger(field.Type) { // what is embedded may be nil
			continue
		}
		if code := integer(v.Field(field.Index[0])); code != 0 {
			return code
		}
	}
	return 0
}

// called is what a method without parameters gives, 0 if there is none or it gives no integer.
func called(method reflect.Value) int {
	if !method.IsValid() {
		return 0
	}
	t := method.Type()
	if t.NumIn() != 0 || t.NumOut() != 1 || !isInteger(t.Out(0)) {
		return 0
	}
	return integer(method.Call(nil)[0])
}

func isInteger(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
}

func integer(v reflect.Value) int {
	if v.CanInt() {
		return int(v.Int())
	}
	return int(v.Uint())
}
