package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const goldenDepthMax = 12

// writeGolden writes random objects of every kind, as Kubernetes itself encodes them, for verify-golden.ts.
func writeGolden(directory string, perKind int) {
	check(os.MkdirAll(directory, 0o755))
	all := scheme()
	kinds := []schema.GroupVersionKind{}
	for kind := range all.AllKnownTypes() {
		if kind.Version != runtime.APIVersionInternal && !unpublished[kind.Kind] && kind.Kind != "WatchEvent" &&
			(!strings.HasSuffix(kind.Kind, "Options") || kind.Kind == "DeleteOptions") {
			kinds = append(kinds, kind)
		}
	}
	sort.Slice(kinds, func(left, right int) bool { return kinds[left].String() < kinds[right].String() })
	asJSON := json.NewSerializerWithOptions(json.DefaultMetaFactory, all, all, json.SerializerOptions{})
	asProtobuf := protobuf.NewSerializer(all, all)
	for index, kind := range kinds {
		for seed := range perKind {
			filler := filler{rand.New(rand.NewSource(int64(index*1000 + seed))), seed}
			object, err := all.New(kind)
			check(err)
			filler.fill(reflect.ValueOf(object).Elem(), 0)
			object.GetObjectKind().SetGroupVersionKind(kind)
			name := filepath.Join(directory, fmt.Sprintf("%s.%s.%s.%d", kind.Group, kind.Version, kind.Kind, seed))
			var buffer bytes.Buffer
			check(asProtobuf.Encode(object, &buffer))
			check(os.WriteFile(name+".pb", buffer.Bytes(), 0o644))
			// Protobuf does not tell an empty list from none: the JSON is that of what was read back.
			object, _, err = asProtobuf.Decode(buffer.Bytes(), nil, nil)
			check(err)
			buffer.Reset()
			check(asJSON.Encode(object, &buffer))
			check(os.WriteFile(name+".json", buffer.Bytes(), 0o644))
			// JSON in turn forgets empty byte strings and the like, so that its own encoding is a third file.
			object, _, err = asJSON.Decode(buffer.Bytes(), nil, nil)
			check(err)
			buffer.Reset()
			check(asProtobuf.Encode(object, &buffer))
			check(os.WriteFile(name+".encoded", buffer.Bytes(), 0o644))
		}
	}
}

// filler makes values; with seed 0 everything stays zero, with seed 1 everything is set.
type filler struct {
	*rand.Rand
	seed int
}

func (f filler) set(depth int) bool {
	if depth > goldenDepthMax || f.seed == 0 {
		return false
	}
	return f.seed == 1 || f.Intn(3) > 0
}

func pick[T any](f filler, values ...T) T { return values[f.Intn(len(values))] }

func (f filler) fill(value reflect.Value, depth int) {
	if f.fillSpecial(value, depth) {
		return
	}
	switch value.Kind() {
	case reflect.Struct:
		for index := range value.NumField() {
			if value.Type().Field(index).Type != reflect.TypeOf(metav1.TypeMeta{}) {
				f.fill(value.Field(index), depth+1)
			}
		}
	case reflect.Pointer:
		if f.set(depth) {
			value.Set(reflect.New(value.Type().Elem()))
			f.fill(value.Elem(), depth+1)
		}
	case reflect.Slice:
		if f.set(depth) {
			count := f.Intn(3)
			if f.seed == 1 || depth > 4 {
				count = 1
			}
			value.Set(reflect.MakeSlice(value.Type(), count, count))
			for index := range count {
				f.fill(value.Index(index), depth+1)
			}
		}
	case reflect.Map:
		if f.set(depth) {
			value.Set(reflect.MakeMap(value.Type()))
			for _, name := range []string{"b", "a/ü", "Z"}[:1+f.Intn(2)] {
				key, element := reflect.New(value.Type().Key()).Elem(), reflect.New(value.Type().Elem()).Elem()
				key.SetString(name)
				f.fill(element, depth+1)
				value.SetMapIndex(key, element)
			}
		}
	case reflect.String:
		value.SetString(pick(f, "", "text", "ünï→😀", strings.Repeat("long ", 40)))
	case reflect.Bool:
		value.SetBool(f.Intn(2) == 0)
	case reflect.Int, reflect.Int64:
		value.SetInt(pick[int64](f, 0, 1, -1, 1<<40, -(1 << 40), math.MaxInt64, math.MinInt64, 1<<53, 1<<53+1))
	case reflect.Int32:
		value.SetInt(int64(pick(f, 0, 1, -1, 300, math.MaxInt32, math.MinInt32)))
	case reflect.Uint8:
		value.SetUint(uint64(f.Intn(256)))
	case reflect.Float64:
		value.SetFloat(pick(f, 0, 1.5, -2.25, 1e-9))
	default:
		panic(value.Type().String())
	}
}

func (f filler) fillSpecial(value reflect.Value, depth int) bool {
	raw := []byte(pick(f, `{"a":{"b":[1,2.5,"c",null,true]},"n":9223372036854775807}`, `{}`))
	switch target := value.Addr().Interface().(type) {
	case *resource.Quantity:
		if f.set(depth) {
			*target = resource.MustParse(pick(f, "0", "1", "100m", "2Gi", "1e3", "-5k", "1.5"))
		}
	case *intstr.IntOrString:
		if f.set(depth) {
			*target = pick(f, intstr.FromInt32(8080), intstr.FromString("http"), intstr.FromString(""), intstr.FromInt32(-1))
		}
	case *metav1.Time:
		if f.set(depth) {
			*target = metav1.NewTime(time.Unix(pick(f, int64(0), 1767323045, -5, 4102444800), 0))
		}
	case *metav1.MicroTime:
		if f.set(depth) {
			*target = metav1.NewMicroTime(time.Unix(pick(f, int64(0), 1767323045, -5), pick(f, int64(0), 123456000, 7000)))
		}
	case *runtime.RawExtension:
		if f.set(depth) {
			target.Raw = raw
		}
	case *metav1.FieldsV1:
		*target = *metav1.NewFieldsV1(string(raw))
	case *apiextensionsv1.JSON:
		target.Raw = []byte(pick(f, string(raw), `"x"`, `7`, `null`, `[1]`))
	case *apiextensionsv1.JSONSchemaPropsOrArray:
		if f.Intn(2) == 0 {
			target.JSONSchemas = make([]apiextensionsv1.JSONSchemaProps, 1)
			f.fill(reflect.ValueOf(&target.JSONSchemas[0]).Elem(), depth+3)
		} else {
			target.Schema = &apiextensionsv1.JSONSchemaProps{}
			f.fill(reflect.ValueOf(target.Schema).Elem(), depth+3)
		}
	case *apiextensionsv1.JSONSchemaPropsOrBool:
		if target.Allows = f.Intn(2) == 0; target.Allows && f.Intn(2) == 0 {
			target.Schema = &apiextensionsv1.JSONSchemaProps{}
			f.fill(reflect.ValueOf(target.Schema).Elem(), depth+3)
		}
	case *apiextensionsv1.JSONSchemaPropsOrStringArray:
		target.Property = []string{"one", "two"}
	case *apiextensionsv1.JSONSchemaProps:
		if depth > 8 {
			target.Type = "string"
			return true
		}
		return false
	default:
		return false
	}
	return true
}
