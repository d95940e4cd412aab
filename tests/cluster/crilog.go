package main

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

// maxLogLine is where a line without an end is cut into partial entries, as container runtimes do.
const maxLogLine = 16 << 10

// criLog writes a container's output in the container runtimes' log format, which the kubelet's own
// reader understands: "2016-10-06T00:17:09.669794202Z stdout F text".
type criLog struct {
	mu      sync.Mutex
	file    *os.File
	streams []*criStream
}

func newCRILog(path string) (*criLog, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &criLog{file: file}, nil
}

// stream returns the writer of one of the two streams.
func (l *criLog) stream(name string) io.Writer {
	s := &criStream{log: l, name: name}
	l.streams = append(l.streams, s)
	return s
}

// Close writes what was left without an end of line.
func (l *criLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.streams {
		if len(s.open) > 0 {
			s.entry("P", s.open)
			s.open = nil
		}
	}
	return l.file.Close()
}

// criStream cuts one stream into lines. The open rest of a line waits for its end.
type criStream struct {
	log  *criLog
	name string
	open []byte
}

func (s *criStream) Write(data []byte) (int, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.open = append(s.open, data...)
	for {
		line, rest, found := bytes.Cut(s.open, []byte{'\n'})
		switch {
		case found:
			s.entry("F", line)
			s.open = rest
		case len(s.open) >= maxLogLine:
			s.entry("P", s.open)
			s.open = nil
			return len(data), nil
		default:
			s.open = bytes.Clone(s.open)
			return len(data), nil
		}
	}
}

// entry writes one entry; a full disk loses logs, not the container.
func (s *criStream) entry(tag string, text []byte) {
	entry := time.Now().UTC().AppendFormat(nil, time.RFC3339Nano)
	entry = append(entry, " "+s.name+" "+tag+" "...)
	entry = append(append(entry, text...), '\n')
	s.log.file.Write(entry)
}
