package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDescribeRequests(t *testing.T) {
	for _, tt := range []struct {
		name, method, url string
		want              requestAttributes
		refused           string
	}{
		{
			name: "watch", method: "GET", url: "/api/v1/namespaces/x/pods?watch=1&fieldSelector=metadata.name%3Dweb",
			want: requestAttributes{Verb: "watch", APIVersion: "v1", Resource: "pods", Namespace: "x", Name: "web", IsResourceRequest: true,
				Path: "/api/v1/namespaces/x/pods", FieldSelector: "metadata.name=web"},
		},
		{
			name: "exec", method: "GET", url: "/api/v1/namespaces/x/pods/web/exec?command=id",
			want: requestAttributes{Verb: "get", APIVersion: "v1", Resource: "pods", Subresource: "exec", Namespace: "x", Name: "web", IsResourceRequest: true,
				Path: "/api/v1/namespaces/x/pods/web/exec"},
		},
		{
			name: "group", method: "DELETE", url: "/apis/apps/v1/namespaces/x/deployments",
			want: requestAttributes{Verb: "deletecollection", APIGroup: "apps", APIVersion: "v1", Resource: "deployments", Namespace: "x", IsResourceRequest: true,
				Path: "/apis/apps/v1/namespaces/x/deployments"},
		},
		{
			name: "escapes are decoded", method: "GET", url: "/api/v1/n%61mespaces/x%2Fpods",
			want: requestAttributes{Verb: "list", APIVersion: "v1", Resource: "pods", Namespace: "x", IsResourceRequest: true,
				Path: "/api/v1/namespaces/x/pods"},
		},
		{name: "non-resource", method: "GET", url: "/healthz", want: requestAttributes{Verb: "get", Path: "/healthz"}},
		{name: "bad escape", method: "GET", url: "/api/%zz", refused: "invalid URL escape"},
		{name: "space", method: "GET", url: "/api /v1", refused: "malformed HTTP version"},
		{name: "line break", method: "GET", url: "/api\r\nX: y", refused: "line break"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line, err := json.Marshal(requestLine{Method: tt.method, URL: tt.url})
			if err != nil {
				t.Fatal(err)
			}
			switch got := newRequestParser().describe(line).(type) {
			case requestAttributes:
				tt.want.OK = true
				if tt.refused != "" || got != tt.want {
					t.Errorf("got %+v, want %+v %s", got, tt.want, tt.refused)
				}
			case requestRefusal:
				if tt.refused == "" || !strings.Contains(got.Error, tt.refused) {
					t.Errorf("refused with %q, want %q", got.Error, tt.refused)
				}
			}
		})
	}
}

func TestDescribeRequestsAnswersEveryLine(t *testing.T) {
	var out strings.Builder
	in := "{\"method\":\"GET\",\"url\":\"/api\"}\nnot json\n{\"method\":\"GET\",\"url\":\"/apis\"}\n"
	if err := describeRequests(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 3 {
		t.Errorf("%d answers to 3 lines:\n%s", lines, out.String())
	}
}
