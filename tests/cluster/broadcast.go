package main

import (
	"bytes"
	"io"
	"sync"
)

// outputStream tells stdout from stderr.
type outputStream int

const (
	streamOut outputStream = iota
	streamErr
)

// subscriberBuffer is how many pieces of output wait for a slow client before it is dropped.
const subscriberBuffer = 1024

// piece is a piece of output.
type piece struct {
	stream outputStream
	data   []byte
}

// broadcast hands a container's output to all clients that are attached at that moment. A client that
// does not keep up is dropped; the container never waits.
type broadcast struct {
	mu          sync.Mutex
	subscribers map[chan piece]struct{}
}

// subscribe returns a channel of output that is closed at the container's end or when it overflows.
func (b *broadcast) subscribe() chan piece {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subscribers == nil {
		b.subscribers = map[chan piece]struct{}{}
	}
	pieces := make(chan piece, subscriberBuffer)
	b.subscribers[pieces] = struct{}{}
	return pieces
}

// unsubscribe forgets a client.
func (b *broadcast) unsubscribe(pieces chan piece) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(pieces)
}

// end closes all clients' channels.
func (b *broadcast) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for pieces := range b.subscribers {
		b.drop(pieces)
	}
}

// stream returns a writer that hands on what is written as one of the two streams.
func (b *broadcast) stream(stream outputStream) io.Writer {
	return writerFunc(func(data []byte) (int, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.subscribers) == 0 {
			return len(data), nil
		}
		copied := piece{stream, bytes.Clone(data)}
		for pieces := range b.subscribers {
			select {
			case pieces <- copied:
			default:
				b.drop(pieces)
			}
		}
		return len(data), nil
	})
}

func (b *broadcast) drop(pieces chan piece) {
	if _, ok := b.subscribers[pieces]; ok {
		delete(b.subscribers, pieces)
		close(pieces)
	}
}

// writerFunc is a function that writes.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(data []byte) (int, error) { return f(data) }
