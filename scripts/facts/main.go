// Command facts writes what the models of the Kubernetes client do not carry of the built-in kinds: see README.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"zeroplane/facts/openapi"
)

const objectsPerKind = 12

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: facts write DIRECTORY | facts definitions FILE | facts golden DIRECTORY | facts openapi DIRECTORY")
		os.Exit(2)
	}
	published := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref {
		return spec.MustCreateRef("#/components/schemas/" + name)
	})
	switch os.Args[1] {
	case "write":
		writeFacts(os.Args[2], published)
	case "definitions":
		writeDefinitions(os.Args[2], published)
	case "golden":
		writeGolden(os.Args[2], objectsPerKind)
	case "openapi":
		checkOpenAPI(os.Args[2])
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// writeDefinitions writes the whole schemas of Kubernetes' generator, to compare ours with.
func writeDefinitions(file string, published map[string]common.OpenAPIDefinition) {
	all := map[string]spec.Schema{}
	for name, one := range published {
		all[name] = one.Schema
	}
	text, err := json.MarshalIndent(all, "", " ")
	check(err)
	check(os.WriteFile(file, text, 0o644))
}

// writeFacts writes one file per Go package, one definition per line.
func writeFacts(directory string, published map[string]common.OpenAPIDefinition) {
	files := map[string]*bytes.Buffer{}
	for _, one := range walkAll() {
		file := fileName(one.name)
		if files[file] == nil {
			files[file] = &bytes.Buffer{}
		} else {
			files[file].WriteString(",\n")
		}
		fmt.Fprintf(files[file], "%s: %s", quote(one.name), definitionLine(one, published[one.name].Schema))
	}
	old, err := filepath.Glob(filepath.Join(directory, "*.json"))
	check(err)
	for _, file := range old {
		check(os.Remove(file))
	}
	for file, text := range files {
		check(os.WriteFile(filepath.Join(directory, file), []byte("{\n"+text.String()+"\n}\n"), 0o644))
	}
}

// fileName is the package without what all names share: core.v1.json, meta.v1.json.
func fileName(definition string) string {
	parts := strings.Split(definition, ".")
	parts = parts[:len(parts)-1]
	return strings.Join(parts[max(0, len(parts)-2):], ".") + ".json"
}

// entries is a JSON object whose keys keep their order.
type entries []string

func (e *entries) add(key string, value any) { *e = append(*e, quote(key)+":"+quote(value)) }

func (e entries) String() string { return "{" + strings.Join(e, ",") + "}" }

func quote(value any) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	check(encoder.Encode(value))
	return strings.TrimSpace(buffer.String())
}

func definitionLine(one *definition, schema spec.Schema) string {
	var line entries
	if len(one.kinds) > 0 {
		kinds := []string{}
		for _, kind := range one.kinds {
			kinds = append(kinds, kind.GroupVersion().String()+"/"+kind.Kind)
		}
		line.add("kinds", kinds)
	}
	if one.items != "" {
		line.add("items", one.items)
		return line.String()
	}
	addExtensions(&line, schema.Extensions)
	required := map[string]bool{}
	for _, name := range schema.Required {
		required[name] = true
	}
	var fields entries
	for _, member := range one.fields {
		property, known := schema.Properties[member.name]
		if !known && !member.inline {
			panic(one.name + "." + member.name + " is not published")
		}
		fields = append(fields, quote(member.name)+":"+fieldEntry(member, property, required[member.name]))
	}
	line = append(line, `"fields":`+fields.String())
	return line.String()
}

func fieldEntry(member field, property spec.Schema, required bool) string {
	var entry entries
	if member.number != 0 {
		entry.add("number", member.number)
	}
	entry.add("type", member.typ)
	if member.inline {
		entry.add("inline", true)
		return entry.String()
	}
	if member.omitempty {
		entry.add("omitempty", true)
	}
	if member.omitzero {
		entry.add("omitzero", true)
	}
	if required {
		entry.add("required", true)
	}
	if property.Default != nil && (!isZero(property.Default) || isExplicit(member, property)) {
		entry.add("default", property.Default)
	}
	if property.Enum != nil {
		entry.add("enum", property.Enum)
	}
	if property.Items != nil && property.Items.Schema.Enum != nil {
		entry.add("itemEnum", property.Items.Schema.Enum)
	}
	if values := property.AdditionalProperties; values != nil && values.Schema.Enum != nil {
		entry.add("itemEnum", values.Schema.Enum)
	}
	addExtensions(&entry, property.Extensions)
	return entry.String()
}

// isExplicit: a zero value that a marker gives, not the type.
func isExplicit(member field, property spec.Schema) bool {
	return len(property.Type) > 0 && (member.omitempty || strings.HasPrefix(member.typ, "*"))
}

// isZero: the zero values that Kubernetes' generator gives follow from the types.
func isZero(value any) bool {
	reflected := reflect.ValueOf(value)
	return reflected.IsZero() || (reflected.Kind() == reflect.Map && reflected.Len() == 0)
}

var extensionNames = map[string]string{
	"x-kubernetes-list-type":       "listType",
	"x-kubernetes-list-map-keys":   "listMapKeys",
	"x-kubernetes-map-type":        "mapType",
	"x-kubernetes-patch-strategy":  "patchStrategy",
	"x-kubernetes-patch-merge-key": "patchMergeKey",
	"x-kubernetes-unions":          "unions",
}

func addExtensions(line *entries, extensions spec.Extensions) {
	keys := []string{}
	for key := range extensions {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if extensionNames[key] == "" {
			panic("unknown extension " + key)
		}
		line.add(extensionNames[key], extensions[key])
	}
}
