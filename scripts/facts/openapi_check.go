package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	openapi_v3 "github.com/google/gnostic-models/openapiv3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"k8s.io/kube-openapi/pkg/spec3"
	kubeproto "k8s.io/kube-openapi/pkg/util/proto"
)

// checkOpenAPI reads what Zeroplane serves as clients do: v2.json and v2.pb must be one document, v3*.json must parse.
func checkOpenAPI(directory string) {
	text, err := os.ReadFile(filepath.Join(directory, "v2.json"))
	check(err)
	wanted, err := openapi_v2.ParseDocument(text)
	check(err)
	binary, err := os.ReadFile(filepath.Join(directory, "v2.pb"))
	check(err)
	given := &openapi_v2.Document{}
	check(proto.Unmarshal(binary, given))
	normalise(wanted.ProtoReflect())
	normalise(given.ProtoReflect())
	if !proto.Equal(wanted, given) {
		panic("v2.pb differs from v2.json")
	}
	models, err := kubeproto.NewOpenAPIData(given)
	check(err)
	fmt.Printf("v2: equal, %d models\n", len(models.ListModels()))

	files, err := filepath.Glob(filepath.Join(directory, "v3*.json"))
	check(err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(err)
		check(json.Unmarshal(text, &spec3.OpenAPI{}))
		document, err := openapi_v3.ParseDocument(text)
		check(err)
		models, err := kubeproto.NewOpenAPIV3Data(document)
		check(err)
		if len(models.ListModels()) == 0 {
			panic(file + " has no models")
		}
	}
	fmt.Printf("v3: %d documents parse\n", len(files))
}

// normalise rewrites the YAML in messages of type Any: the same value may be written in several ways.
func normalise(message protoreflect.Message) {
	if one, ok := message.Interface().(*openapi_v2.Any); ok {
		var value any
		check(yaml.Unmarshal([]byte(one.Yaml), &value))
		text, err := json.Marshal(value)
		check(err)
		one.Yaml, one.Value = strings.TrimSpace(string(text)), nil
		return
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Kind() == protoreflect.MessageKind {
			if field.IsList() {
				for index := range value.List().Len() {
					normalise(value.List().Get(index).Message())
				}
			} else {
				normalise(value.Message())
			}
		}
		return true
	})
}
