package sqlite

import (
	"errors"
	"reflect"

	driver "modernc.org/sqlite"
)

// resultOf returns SQLite's result code of a driver's error, extended if the driver keeps that. ok is false for
// an error without a code.
//
// Drivers have no common interface for the code, and this package links only one of them. In the errors of
// other drivers it looks, by reflection, for a method or a field that is called ExtendedCode or Code and is an
// integer of any type. An error that is itself an integer and has such a method is the code.
func resultOf(err error) (result int, ok bool) {
	var fault *driver.Error
	if errors.As(err, &fault) {
		return fault.Code(), true
	}
	return resultOfOther(err)
}

// resultOfOther searches err and the errors that it wraps.
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

// resultIn returns the code of one error, or 0.
func resultIn(v reflect.Value) int {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return 0
	}
	// The names must be constants: otherwise the linker keeps every method of a program.
	if code := called(v.MethodByName("ExtendedCode")); code != 0 {
		return code
	}
	if code := called(v.MethodByName("Code")); code != 0 {
		if isInteger(v.Type()) { // it is itself the extended code, and the method cuts that
			return integer(v)
		}
		return code
	}
	if v = reflect.Indirect(v); v.Kind() != reflect.Struct {
		return 0
	}
	for _, name := range []string{"ExtendedCode", "Code"} {
		field, ok := v.Type().FieldByName(name)
		if !ok || len(field.Index) > 1 || !isInteger(field.Type) { // an embedded field may be nil
			continue
		}
		if code := integer(v.Field(field.Index[0])); code != 0 {
			return code
		}
	}
	return 0
}

// called returns the integer that a method without parameters returns. It returns 0 if there is no such method
// or it returns no integer.
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
