package main

import (
	"reflect"
	"sort"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

var groups = []func(*runtime.Scheme) error{
	admissionregistrationv1.AddToScheme, appsv1.AddToScheme, authenticationv1.AddToScheme,
	authorizationv1.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme,
	certificatesv1.AddToScheme, coordinationv1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme,
	eventsv1.AddToScheme, flowcontrolv1.AddToScheme, networkingv1.AddToScheme, nodev1.AddToScheme,
	policyv1.AddToScheme, rbacv1.AddToScheme, resourcev1.AddToScheme, schedulingv1.AddToScheme,
	storagev1.AddToScheme, apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme,
}

// Registered in Kubernetes' own scheme, but not part of what the API publishes.
var unpublished = map[string]bool{
	"ConversionReview": true, "List": true, "PodStatusResult": true, "RangeAllocation": true, "SerializedReference": true,
}

// Published types that no group registers as kinds of its own.
var published = []any{
	metav1.APIGroup{}, metav1.APIGroupList{}, metav1.APIResourceList{}, metav1.APIVersions{}, metav1.Status{},
	metav1.Condition{}, metav1.DeleteOptions{}, metav1.WatchEvent{}, version.Info{},
}

// metaKinds belong to the group v1, apart from those that every group has.
var metaKinds = []string{"APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Status"}

// everywhere are the meta kinds that every group version has.
var everywhere = []string{"DeleteOptions", "WatchEvent"}

func scheme() *runtime.Scheme {
	all := runtime.NewScheme()
	for _, add := range groups {
		if err := add(all); err != nil {
			panic(err)
		}
	}
	return all
}

func walkAll() []*definition {
	walker := &walker{definitions: map[string]*definition{}}
	for _, one := range published {
		walker.walk(reflect.TypeOf(one))
	}
	versions := map[schema.GroupVersion]bool{}
	for kind, t := range scheme().AllKnownTypes() {
		isMeta := strings.HasSuffix(t.PkgPath(), "/meta/v1")
		if kind.Version == runtime.APIVersionInternal || unpublished[kind.Kind] || isMeta || strings.HasSuffix(kind.Kind, "Options") {
			continue
		}
		versions[kind.GroupVersion()] = true
		found := walker.definitions[walker.walk(t)]
		found.kinds = append(found.kinds, kind)
	}
	meta := "io.k8s.apimachinery.pkg.apis.meta.v1."
	for _, name := range metaKinds {
		found := walker.definitions[meta+name]
		found.kinds = append(found.kinds, schema.GroupVersionKind{Version: "v1", Kind: name})
	}
	for _, name := range everywhere {
		for version := range versions {
			found := walker.definitions[meta+name]
			found.kinds = append(found.kinds, version.WithKind(name))
		}
	}
	for _, one := range walker.definitions {
		sort.Slice(one.kinds, func(left, right int) bool {
			return one.kinds[left].GroupVersion().String() < one.kinds[right].GroupVersion().String()
		})
	}
	return walker.sorted()
}
