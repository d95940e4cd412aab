package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/utils/ptr"
)

// serveKubelet serves what the API server asks of a kubelet.
func (a *agent) serveKubelet(listener net.Listener, pki *pki) error {
	streams, err := streaming.NewServer(streaming.DefaultConfig, streamRuntime{a})
	if err != nil {
		return err
	}
	config, err := pki.kubeletTLS()
	if err != nil {
		return err
	}
	k := kubelet{agent: a, streams: streams}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.logs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.exec)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", k.attach)
	mux.HandleFunc("/portForward/{namespace}/{pod}", k.portForward)
	server := &http.Server{
		Handler:      mux,
		TLSConfig:    config,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // upgrades need HTTP/1.1
		ErrorLog:     log.New(os.Stderr, "kubelet: ", log.LstdFlags),
	}
	go func() {
		if err := server.ServeTLS(listener, "", ""); err != nil {
			klog.ErrorS(err, "kubelet")
		}
	}()
	return nil
}

// kubelet is the kubelet's HTTP side.
type kubelet struct {
	agent   *agent
	streams streaming.Server
}

// container finds what the path names, or answers 404.
func (k kubelet) container(w http.ResponseWriter, r *http.Request) (*podRun, *container) {
	pod := k.agent.lookup(r.PathValue("namespace"), r.PathValue("pod"))
	if pod == nil {
		http.Error(w, fmt.Sprintf("pod %q does not exist", r.PathValue("pod")), http.StatusNotFound)
		return nil, nil
	}
	c := pod.container(r.PathValue("container"))
	if c == nil {
		http.Error(w, fmt.Sprintf("container %q not found in pod %q", r.PathValue("container"), pod.pod.Name), http.StatusNotFound)
	}
	return pod, c
}

func (k kubelet) exec(w http.ResponseWriter, r *http.Request) {
	pod, c := k.container(w, r)
	if c == nil {
		return
	}
	query := r.URL.Query()
	tty := query.Get("tty") == "1"
	answer, err := k.streams.GetExec(&runtimeapi.ExecRequest{
		ContainerId: containerID(pod.pod.UID, c.name),
		Cmd:         query["command"],
		Stdin:       query.Get("input") == "1",
		Stdout:      query.Get("output") == "1",
		Stderr:      query.Get("error") == "1" && !tty,
		Tty:         tty,
	})
	k.stream(w, r, answer.GetUrl(), err)
}

func (k kubelet) attach(w http.ResponseWriter, r *http.Request) {
	pod, c := k.container(w, r)
	if c == nil {
		return
	}
	query := r.URL.Query()
	tty := query.Get("tty") == "1"
	answer, err := k.streams.GetAttach(&runtimeapi.AttachRequest{
		ContainerId: containerID(pod.pod.UID, c.name),
		Stdin:       query.Get("input") == "1",
		Stdout:      query.Get("output") == "1",
		Stderr:      query.Get("error") == "1" && !tty,
		Tty:         tty,
	})
	k.stream(w, r, answer.GetUrl(), err)
}

func (k kubelet) portForward(w http.ResponseWriter, r *http.Request) {
	pod := k.agent.lookup(r.PathValue("namespace"), r.PathValue("pod"))
	if pod == nil {
		http.Error(w, fmt.Sprintf("pod %q does not exist", r.PathValue("pod")), http.StatusNotFound)
		return
	}
	answer, err := k.streams.GetPortForward(&runtimeapi.PortForwardRequest{PodSandboxId: string(pod.pod.UID)})
	k.stream(w, r, answer.GetUrl(), err)
}

// stream hands a request to the streaming server under the one-time URL that it gave out.
func (k kubelet) stream(w http.ResponseWriter, r *http.Request, once string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	target, err := url.Parse(once)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r.URL.Path, r.URL.RawPath = target.Path, ""
	k.streams.ServeHTTP(w, r)
}

// logs answers with a container's log, read by the kubelet's own reader.
func (k kubelet) logs(w http.ResponseWriter, r *http.Request) {
	_, c := k.container(w, r)
	if c == nil {
		return
	}
	var asked v1.PodLogOptions
	if err := legacyscheme.ParameterCodec.DecodeParameters(r.URL.Query(), v1.SchemeGroupVersion, &asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	state := c.snapshot()
	run, err := loggedRun(state, asked.Previous)
	if err != nil {
		http.Error(w, fmt.Sprintf("container %q in pod %q %v", c.name, r.PathValue("pod"), err), http.StatusBadRequest)
		return
	}
	out := flushWriter{w, http.NewResponseController(w)}
	stdout, stderr := io.Writer(out), io.Writer(out)
	switch ptr.Deref(asked.Stream, v1.LogStreamAll) {
	case v1.LogStreamStdout:
		stderr = nil
	case v1.LogStreamStderr:
		stdout = nil
	}
	w.Header().Set("Content-Type", "text/plain")
	out.control.Flush()
	err = logs.ReadLogs(r.Context(), c.logFile(run), "", logOptions(&asked, time.Now()), followed{container: c, run: run}, stdout, stderr)
	if err != nil && r.Context().Err() == nil && !errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(w, err)
	}
}

// loggedRun tells which run's log is asked for: the present one's, or the one's before.
func loggedRun(state containerState, previous bool) (int, error) {
	switch {
	case state.phase == phaseWaiting && state.last == nil:
		return 0, errors.New("is waiting to start: ContainerCreating")
	case !previous:
		return state.restarts, nil
	case state.last == nil || state.phase != phaseWaiting && state.restarts == 0:
		return 0, errors.New("not found: it has no previous terminated container")
	case state.phase == phaseWaiting:
		return state.restarts, nil
	default:
		return state.restarts - 1, nil
	}
}

func logOptions(asked *v1.PodLogOptions, now time.Time) *logs.LogOptions {
	options := &logs.LogOptions{
		TailLines:  asked.TailLines,
		LimitBytes: asked.LimitBytes,
		Follow:     asked.Follow,
		Timestamp:  asked.Timestamps,
	}
	switch {
	case asked.SinceSeconds != nil:
		options.Since = now.Add(-time.Duration(*asked.SinceSeconds) * time.Second)
	case asked.SinceTime != nil:
		options.Since = asked.SinceTime.Time
	}
	return options
}

// followed tells the log reader whether the run that it follows still goes on.
type followed struct {
	internalapi.RuntimeService // the reader asks nothing else
	container                  *container
	run                        int
}

func (f followed) ContainerStatus(context.Context, string, bool) (*runtimeapi.ContainerStatusResponse, error) {
	state := runtimeapi.ContainerState_CONTAINER_EXITED
	if now := f.container.snapshot(); now.phase == phaseRunning && now.restarts == f.run {
		state = runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{State: state}}, nil
}

// flushWriter sends every line at once.
type flushWriter struct {
	io.Writer
	control *http.ResponseController
}

func (f flushWriter) Write(data []byte) (int, error) {
	n, err := f.Writer.Write(data)
	f.control.Flush()
	return n, err
}
