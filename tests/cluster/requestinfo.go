package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// requestLine is one question: a request line as it stands on the wire.
type requestLine struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

// requestAttributes is one answer: what the API server understands.
type requestAttributes struct {
	OK                bool   `json:"ok"`
	Verb              string `json:"verb"`
	APIGroup          string `json:"apiGroup"`
	APIVersion        string `json:"apiVersion"`
	Resource          string `json:"resource"`
	Subresource       string `json:"subresource"`
	Namespace         string `json:"namespace"`
	Name              string `json:"name"`
	IsResourceRequest bool   `json:"isResourceRequest"`
	Path              string `json:"path"`
	FieldSelector     string `json:"fieldSelector,omitempty"`
	LabelSelector     string `json:"labelSelector,omitempty"`
}

// requestRefusal is the answer to a request line that the API server would not take.
type requestRefusal struct {
	OK    bool   `json:"ok"`
	Error string `json:"error"`
}

// maxLine bounds one line of input.
const maxLine = 4 << 20

// describeRequests answers every line of in with one line on out.
func describeRequests(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	buffered := bufio.NewWriterSize(out, 256<<10)
	answers := json.NewEncoder(buffered)
	answers.SetEscapeHTML(false)
	parser := newRequestParser()
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := answers.Encode(parser.describe(lines.Bytes())); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), buffered.Flush())
}

// requestParser is kube-apiserver's reading of a request, from the bytes on the wire on.
type requestParser struct {
	factory request.RequestInfoFactory
	reader  *bufio.Reader
}

func newRequestParser() *requestParser {
	return &requestParser{
		// The same prefixes as in kube-apiserver's NewRequestInfoResolver.
		factory: request.RequestInfoFactory{
			APIPrefixes:          sets.NewString("api", "apis"),
			GrouplessAPIPrefixes: sets.NewString("api"),
		},
		reader: bufio.NewReaderSize(nil, 64<<10),
	}
}

// describe answers one line of JSON.
func (p *requestParser) describe(line []byte) any {
	var asked requestLine
	if err := json.Unmarshal(line, &asked); err != nil {
		return requestRefusal{Error: "input: " + err.Error()}
	}
	info, err := p.parse(asked)
	if err != nil {
		return requestRefusal{Error: err.Error()}
	}
	return requestAttributes{
		OK:                true,
		Verb:              info.Verb,
		APIGroup:          info.APIGroup,
		APIVersion:        info.APIVersion,
		Resource:          info.Resource,
		Subresource:       info.Subresource,
		Namespace:         info.Namespace,
		Name:              info.Name,
		IsResourceRequest: info.IsResourceRequest,
		Path:              info.Path,
		FieldSelector:     info.FieldSelector,
		LabelSelector:     info.LabelSelector,
	}
}

// parse reads the request line with net/http, so that escapes are decoded as the server decodes them.
func (p *requestParser) parse(asked requestLine) (*request.RequestInfo, error) {
	if strings.ContainsAny(asked.Method+asked.URL, "\r\n") {
		return nil, errors.New("line break in the request line")
	}
	p.reader.Reset(strings.NewReader(asked.Method + " " + asked.URL + " HTTP/1.1\r\nHost: kubernetes\r\n\r\n"))
	parsed, err := http.ReadRequest(p.reader)
	if err != nil {
		return nil, err
	}
	return p.factory.NewRequestInfo(parsed)
}
