// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"net"
	"sync"
)

// fault is what becomes of each connection once the server has sent so many bytes on it.
type fault struct {
	kind  string // "": nothing, cut, reset, garbage, stall, or slow: a byte at a time
	after int
}

// gate is a listener that can be shut, with all connections that came through it, and opened
// again; the server behind it stays as it is. It counts, and it breaks what passes.
type gate struct {
	address string
	arrived chan net.Conn

	mu       sync.Mutex
	listener net.Listener // nil: shut
	open     map[*gated]bool
	fault    fault
	accepted int // connections in all
	broken   int // …that met the fault
}

func newGate(address string) (*gate, error) {
	g := &gate{address: address, arrived: make(chan net.Conn), open: map[*gated]bool{}}
	return g, g.up()
}

func (g *gate) up() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		return err
	}
	g.listener = l
	go g.accept(l)
	return nil
}

func (g *gate) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		conn := &gated{Conn: c, gate: g, fault: g.fault, done: make(chan struct{})}
		g.open[conn] = true
		g.accepted++
		g.mu.Unlock()
		g.arrived <- conn
	}
}

// down ends every connection; without staysOpen nobody comes in any more.
func (g *gate) down(staysOpen bool) {
	g.mu.Lock()
	if g.listener != nil && !staysOpen {
		g.listener.Close()
		g.listener = nil
	}
	conns := g.open
	g.open = map[*gated]bool{}
	g.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}

func (g *gate) setFault(f fault) {
	g.mu.Lock()
	g.fault, g.broken = f, 0
	g.mu.Unlock()
	g.down(true)
}

func (g *gate) counts() (accepted, broken int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepted, g.broken
}

// Accept, Close and Addr make it a net.Listener for the server.
func (g *gate) Accept() (net.Conn, error) { return <-g.arrived, nil }
func (g *gate) Close() error              { g.down(false); return nil }
func (g *gate) Addr() net.Addr            { return &net.TCPAddr{} }

type gated struct {
	net.Conn
	gate  *gate
	fault fault
	sent  int
	done  chan struct{}
	once  sync.Once
}

func (c *gated) Close() error {
	c.once.Do(func() { close(c.done) })
	c.gate.mu.Lock()
	delete(c.gate.open, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

func (c *gated) Write(b []byte) (int, error) {
	whole := len(b)
	if c.fault.kind != "" {
		whole = max(0, min(whole, c.fault.after-c.sent))
	}
	n, err := c.Conn.Write(b[:whole])
	c.sent += n
	if err != nil || whole == len(b) {
		return n, err
	}
	rest, err := c.breaks(b[whole:])
	return n + rest, err
}

// breaks gets what is behind the fault's place.
func (c *gated) breaks(b []byte) (int, error) {
	if c.sent == c.fault.after {
		c.gate.mu.Lock()
		c.gate.broken++
		c.gate.mu.Unlock()
	}
	c.sent++ // counts once
	switch c.fault.kind {
	case "garbage":
		wrong := make([]byte, len(b))
		for i := range b {
			wrong[i] = b[i] ^ 0x5a
		}
		return c.Conn.Write(wrong)
	case "slow":
		for i := range b {
			if _, err := c.Conn.Write(b[i : i+1]); err != nil {
				return i, err
			}
		}
		return len(b), nil
	case "stall":
		<-c.done
	case "reset":
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
	}
	c.Close()
	return 0, net.ErrClosed
}
