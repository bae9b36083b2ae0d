// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"tailscale.com/control/controlbase"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

const capability = tailcfg.CapabilityVersion(131)

// client is a node that does nothing but be one: it registers, and reads its map.
type client struct {
	server  *url.URL
	machine key.MachinePrivate
	node    key.NodePrivate
	info    *tailcfg.Hostinfo
	auth    *tailcfg.RegisterResponseAuth
	http    *http2.ClientConn
}

// buffered is a connection of which more was read than is used.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// withoutEarly hides from HTTP/2 what a server may say before it.
type withoutEarly struct {
	buffered
	first sync.Once
	err   error
}

func (w *withoutEarly) Read(p []byte) (int, error) {
	w.first.Do(func() {
		var head []byte
		head, w.err = w.r.Peek(9)
		if w.err == nil && string(head[:5]) == "\xff\xff\xffTS" {
			_, w.err = w.r.Discard(9 + int(binary.BigEndian.Uint32(head[5:])))
		}
	})
	if w.err != nil {
		return 0, w.err
	}
	return w.r.Read(p)
}

func (c *client) serverKey() (k key.MachinePublic, err error) {
	res, err := http.Get(c.server.JoinPath("key").String() + fmt.Sprintf("?v=%d", capability))
	if err != nil {
		return k, err
	}
	defer res.Body.Close()
	var keys tailcfg.OverTLSPublicKeyResponse
	err = json.NewDecoder(res.Body).Decode(&keys)
	return keys.PublicKey, err
}

func (c *client) dial() error {
	serverKey, err := c.serverKey()
	if err != nil {
		return err
	}
	hello, proceed, err := controlbase.ClientDeferred(c.machine, serverKey, uint16(capability))
	if err != nil {
		return err
	}
	tcp, err := net.Dial("tcp", c.server.Host)
	if err != nil {
		return err
	}
	fmt.Fprintf(tcp, "POST /ts2021 HTTP/1.1\r\nHost: %s\r\nUpgrade: tailscale-control-protocol\r\n"+
		"Connection: upgrade\r\nX-Tailscale-Handshake: %s\r\nContent-Length: 0\r\n\r\n",
		c.server.Host, base64.StdEncoding.EncodeToString(hello))
	r := bufio.NewReader(tcp)
	if _, err := http.ReadResponse(r, nil); err != nil {
		return err
	}
	noise, err := proceed(context.Background(), buffered{tcp, r})
	if err != nil {
		return err
	}
	c.http, err = (&http2.Transport{}).NewClientConn(
		&withoutEarly{buffered: buffered{noise, bufio.NewReader(noise)}})
	return err
}

func (c *client) post(path string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest("POST", "https://"+c.server.Host+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	res, err := c.http.RoundTrip(req)
	if err == nil && res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("%s: %s", path, res.Status)
	}
	return res, err
}

func (c *client) register(r tailcfg.RegisterRequest) error {
	r.Version, r.NodeKey, r.Hostinfo, r.Auth = capability, c.node.Public(), c.info, c.auth
	res, err := c.post("/machine/register", r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer tailcfg.RegisterResponse
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return fmt.Errorf("register: %s", answer.Error)
	}
	return nil
}

// openMap returns once the first map is there and others may know of us; the rest is read and
// forgotten.
func (c *client) openMap() error {
	request := tailcfg.MapRequest{Version: capability, KeepAlive: true, NodeKey: c.node.Public(),
		DiscoKey: key.NewDisco().Public(), Hostinfo: c.info, Stream: true}
	res, err := c.post("/machine/map", request)
	if err != nil {
		return err
	}
	request.Stream, request.OmitPeers = false, true
	update, err := c.post("/machine/map", request)
	if err != nil {
		return err
	}
	update.Body.Close()
	var length uint32
	if err := binary.Read(res.Body, binary.LittleEndian, &length); err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, res.Body, int64(length))
	go io.Copy(io.Discard, res.Body)
	return err
}

func (c *client) join() error {
	err := c.dial()
	if err == nil {
		err = c.register(tailcfg.RegisterRequest{})
	}
	if err == nil {
		err = c.openMap()
	}
	return err
}

// leave logs out, which removes a node that came with a key for ephemeral ones.
func (c *client) leave() error {
	return c.register(tailcfg.RegisterRequest{Expiry: time.Unix(123, 0)})
}

// inParallel does the same for all and returns the first error.
func inParallel(clients []*client, do func(*client) error) error {
	failed := make(chan error, len(clients))
	for _, c := range clients {
		go func() { failed <- do(c) }()
	}
	var first error
	for range clients {
		if err := <-failed; first == nil {
			first = err
		}
	}
	return first
}

// runClients lets n nodes join as NAME1, NAME2…, says so, and lets them leave when told to end.
func runClients(server *url.URL, authKey, name string, n int) error {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	var clients []*client
	for i := range n {
		clients = append(clients, &client{server: server, machine: key.NewMachine(), node: key.NewNode(),
			info: &tailcfg.Hostinfo{OS: "linux", Hostname: fmt.Sprintf("%s%d", name, i+1)},
			auth: &tailcfg.RegisterResponseAuth{AuthKey: authKey}})
	}
	if err := inParallel(clients, (*client).join); err != nil {
		return err
	}
	fmt.Println("joined")
	<-end
	return inParallel(clients, (*client).leave)
}
