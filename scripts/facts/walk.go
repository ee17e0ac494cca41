package main

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// field is one field of a definition as it stands in JSON, or an embedded message that JSON flattens.
type field struct {
	name      string
	number    int    // protobuf; 0 when the field is not on the wire
	typ       string // Go's notation: *int32, []string, map[string]io.k8s.…
	inline    bool
	omitempty bool
	omitzero  bool
}

type definition struct {
	name   string
	fields []field
	// items: a named list type with a message of its own on the wire (ExtraValue).
	items string
	kinds []schema.GroupVersionKind
}

// Types whose JSON or protobuf form is written by hand in Kubernetes; lib/schema knows each by name.
var special = map[string]bool{
	"io.k8s.apimachinery.pkg.api.resource.Quantity":                                         true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.Duration":                                         true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":                                         true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime":                                        true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.Time":                                             true,
	"io.k8s.apimachinery.pkg.runtime.RawExtension":                                          true,
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString":                                       true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON":                         true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray":       true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool":        true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": true,
}

type modelNamer interface{ OpenAPIModelName() string }
type unmarshaler interface{ Unmarshal([]byte) error }

func modelName(t reflect.Type) string {
	if namer, ok := reflect.New(t).Elem().Interface().(modelNamer); ok {
		return namer.OpenAPIModelName()
	}
	// Lists with a message of their own have no OpenAPI name; they get one of the same form.
	path := strings.Split(t.PkgPath(), "/")
	host := strings.Split(path[0], ".")
	for left, right := 0, len(host)-1; left < right; left, right = left+1, right-1 {
		host[left], host[right] = host[right], host[left]
	}
	return strings.Join(append(append(host, path[1:]...), t.Name()), ".")
}

type walker struct {
	definitions map[string]*definition
}

// typeName is the notation of a type, after walking what it refers to.
func (w *walker) typeName(t reflect.Type) string {
	_, hasMessage := reflect.New(t).Interface().(unmarshaler)
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + w.typeName(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64:
		return t.Kind().String()
	case reflect.Uint8:
		return "int32"
	case reflect.Int:
		return "int64"
	case reflect.Float64:
		return "double"
	case reflect.Slice:
		if hasMessage {
			return w.walkList(t)
		}
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + w.typeName(t.Elem())
	case reflect.Map:
		return "map[" + w.typeName(t.Key()) + "]" + w.typeName(t.Elem())
	case reflect.Struct:
		return w.walk(t)
	}
	panic(fmt.Sprintf("no notation for %s", t))
}

func (w *walker) walkList(t reflect.Type) string {
	name := modelName(t)
	if w.definitions[name] == nil {
		w.definitions[name] = &definition{name: name}
		w.definitions[name].items = w.typeName(t.Elem())
	}
	return name
}

func (w *walker) walk(t reflect.Type) string {
	name := modelName(t)
	if special[name] || w.definitions[name] != nil {
		return name
	}
	found := &definition{name: name}
	w.definitions[name] = found
	w.fields(found, t)
	seen := map[string]bool{}
	for _, one := range found.fields {
		if seen[one.name] {
			panic(fmt.Sprintf("%s has %s twice", name, one.name))
		}
		seen[one.name] = true
	}
	return name
}

func (w *walker) fields(found *definition, t reflect.Type) {
	for index := range t.NumField() {
		member := t.Field(index)
		json := strings.Split(member.Tag.Get("json"), ",")
		number, protobufName := protobufTag(member)
		if json[0] == "-" {
			continue
		}
		inline := json[0] == "" && (member.Anonymous || has(json, "inline"))
		if inline && number == 0 {
			// TypeMeta: in JSON among the fields, in protobuf in the envelope.
			first := len(found.fields)
			w.fields(found, member.Type)
			for index := range found.fields[first:] {
				found.fields[first+index].number = 0
			}
			continue
		}
		one := field{name: json[0], number: number, inline: inline, omitempty: has(json, "omitempty"), omitzero: has(json, "omitzero")}
		if inline {
			one.name = protobufName
		}
		one.typ = w.typeName(member.Type)
		found.fields = append(found.fields, one)
	}
}

// protobufTag reads number and name of `protobuf:"bytes,2,opt,name=spec"`.
func protobufTag(member reflect.StructField) (int, string) {
	parts := strings.Split(member.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return 0, ""
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		panic(err)
	}
	name := strings.ToLower(member.Name[:1]) + member.Name[1:]
	for _, part := range parts[2:] {
		if value, ok := strings.CutPrefix(part, "name="); ok {
			name = value
		}
	}
	return number, name
}

func has(parts []string, wanted string) bool {
	for _, part := range parts[1:] {
		if part == wanted {
			return true
		}
	}
	return false
}

func (w *walker) sorted() []*definition {
	all := make([]*definition, 0, len(w.definitions))
	for _, one := range w.definitions {
		all = append(all, one)
	}
	sort.Slice(all, func(left, right int) bool { return all[left].name < all[right].name })
	return all
}
