// SPDX-License-Identifier: BSD-3-Clause

// A control server for the tests: Tailscale's own test control server behind an address of the
// caller's choice, and beside it a plain HTTP door on which the test moves the tailnet about.
//
//	control ADDRESS:PORT DOOR:PORT [AUTHKEY | login]
//	control clients URL AUTHKEY NAME N
//
// The second form is N nodes NAME1, NAME2… that join a server, any server: "joined" tells when all
// of them have, and they log out at SIGTERM.
//
// With CONTROL_KEEP, a file, it has the key in that file, made when there is none, and so is the
// same server each time. With CONTROL_CERT and CONTROL_KEY, two files, it speaks TLS. With
// CONTROL_DERP, an IPv4 address, it tells the nodes of a relay there: a derper that speaks HTTP on
// 3340. With login a person has to let each node in, whose part the door plays.
//
//	GET  /nodes                  every node as JSON, with what it said of itself
//	GET  /online                 how many map streams are open
//	POST /fake?id=N              a node that nobody runs joins, at 100.64.100.N, 1 to 254
//	POST /fake?id=N&node=KEY&endpoint=IP:PORT    the same as plain WireGuard with that key, there
//	POST /raw?node=KEY           the body is a MapResponse: it goes out on that node's stream
//	POST /routes?node=KEY&routes=PREFIX,PREFIX    these are the node's from now on
//	POST /ping?node=KEY&url=URL&types=T&noise=1    a PingRequest for that node
//	GET  /heads                  the URLs that were asked for by HEAD, a line each
//	POST /c2n?node=KEY&path=P    the body goes to that node's own server: its answer and status
//	POST /login?url=URL          lets the node in that was told to open that URL
//	POST /expire?on=1            all node keys have expired, or (0) have not
//	POST /delete?name=BEGIN      forgets the nodes whose names begin so
//	POST /away?on=1              ends all connections and takes none, or (0) takes them again
//	POST /fault?kind=KIND&after=N  ends all connections, and later ones meet this after N bytes:
//	                             cut, reset, garbage, stall, slow; none: they do not
//	GET  /counts                 how many connections there were, and of them with the fault
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

func nodeOf(r *http.Request) (k key.NodePublic, err error) {
	err = k.UnmarshalText([]byte(r.FormValue("node")))
	return k, err
}

func routesOf(r *http.Request) (routes []netip.Prefix, err error) {
	for _, text := range strings.Split(r.FormValue("routes"), ",") {
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		routes = append(routes, p)
	}
	return routes, nil
}

// fakeNode has a key that is nobody's.
func fakeNode(id byte) *tailcfg.Node {
	addr := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 100, id}), 32)
	return &tailcfg.Node{
		ID:                1000 + tailcfg.NodeID(id),
		StableID:          tailcfg.StableNodeID(fmt.Sprintf("fake%d", id)),
		Name:              fmt.Sprintf("fake%d.tail.test.", id),
		User:              1,
		Machine:           key.NewMachine().Public(),
		Key:               key.NewNode().Public(),
		DiscoKey:          key.NewDisco().Public(),
		MachineAuthorized: true,
		Addresses:         []netip.Prefix{addr},
		AllowedIPs:        []netip.Prefix{addr},
		Endpoints:         []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, 77}), 1000+uint16(id))},
		Hostinfo:          (&tailcfg.Hostinfo{Hostname: fmt.Sprintf("fake%d", id)}).View(),
	}
}

// plainNode speaks WireGuard and nothing else: no disco, no relay.
func plainNode(r *http.Request, id byte) (*tailcfg.Node, error) {
	k, err := nodeOf(r)
	if err != nil {
		return nil, err
	}
	at, err := netip.ParseAddrPort(r.FormValue("endpoint"))
	if err != nil {
		return nil, err
	}
	n := fakeNode(id)
	n.Key, n.DiscoKey, n.IsWireGuardOnly = k, key.DiscoPublic{}, true
	n.Endpoints = []netip.AddrPort{at}
	return n, nil
}

func addFake(s *testcontrol.Server) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseUint(r.FormValue("id"), 10, 8)
		if err != nil || id == 0 || id == 255 {
			http.Error(w, "id: 1 to 254", http.StatusBadRequest)
			return
		}
		n := fakeNode(byte(id))
		if r.FormValue("node") != "" {
			n, err = plainNode(r, byte(id))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.UpdateNode(n)
	}
}

// withNode answers 400 when the request names no node.
func withNode(do func(r *http.Request, k key.NodePublic) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		k, err := nodeOf(r)
		if err == nil {
			err = do(r, k)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func sendRaw(s *testcontrol.Server) http.HandlerFunc {
	return withNode(func(r *http.Request, k key.NodePublic) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		var mr tailcfg.MapResponse
		if err := json.Unmarshal(body, &mr); err != nil {
			return err
		}
		if !s.AddRawMapResponse(k, &mr) {
			return fmt.Errorf("that node has no stream open")
		}
		return nil
	})
}

// doorToLife has what happens to servers and nodes.
func doorToLife(mux *http.ServeMux, s *testcontrol.Server, g *gate) {
	mux.HandleFunc("POST /delete", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, deleteNodes(s, r.FormValue("name")))
	})
	mux.HandleFunc("POST /away", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("on") == "1" {
			g.down(false)
		} else if err := g.up(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		after, err := strconv.Atoi(r.FormValue("after"))
		if err != nil && r.FormValue("kind") != "" {
			http.Error(w, "after: a number of bytes", http.StatusBadRequest)
			return
		}
		g.setFault(fault{kind: r.FormValue("kind"), after: after})
	})
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, r *http.Request) {
		accepted, broken := g.counts()
		fmt.Fprintln(w, accepted, broken)
	})
}

func door(s *testcontrol.Server, g *gate) http.Handler {
	mux := http.NewServeMux()
	doorToLife(mux, s, g)
	mux.HandleFunc("GET /nodes", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(s.AllNodes())
	})
	mux.HandleFunc("GET /online", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, s.InServeMap())
	})
	mux.HandleFunc("POST /fake", addFake(s))
	mux.HandleFunc("POST /raw", sendRaw(s))
	mux.HandleFunc("POST /routes", withNode(func(r *http.Request, k key.NodePublic) error {
		routes, err := routesOf(r)
		if err == nil {
			s.SetSubnetRoutes(k, routes)
		}
		return err
	}))
	mux.HandleFunc("POST /ping", withNode(func(r *http.Request, k key.NodePublic) error {
		pr := &tailcfg.PingRequest{URL: r.FormValue("url"), Types: r.FormValue("types"), URLIsNoise: r.FormValue("noise") == "1"}
		if !s.AddPingRequest(k, pr) {
			return fmt.Errorf("that node has no stream open")
		}
		return nil
	}))
	mux.HandleFunc("GET /heads", func(w http.ResponseWriter, r *http.Request) {
		heads.Lock()
		defer heads.Unlock()
		fmt.Fprint(w, heads.text)
	})
	mux.HandleFunc("POST /c2n", func(w http.ResponseWriter, r *http.Request) {
		if err := askNode(s, w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if !s.CompleteAuth(r.FormValue("url")) {
			http.Error(w, "nobody waits for that URL", http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /expire", func(w http.ResponseWriter, r *http.Request) {
		s.SetExpireAllNodes(r.FormValue("on") == "1")
	})
	return mux
}

// askNode has the node answer a request of the server's (c2n).
func askNode(s *testcontrol.Server, w http.ResponseWriter, r *http.Request) error {
	k, err := nodeOf(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://node"+r.FormValue("path"), bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := s.NodeRoundTripper(k).RoundTrip(req)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d ", res.StatusCode)
	_, err = io.Copy(w, res.Body)
	return err
}

var heads struct {
	sync.Mutex
	text string
}

// noteHeads answers HEAD requests outside Noise itself, as headscale does for its pings.
func noteHeads(s http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "HEAD" {
			s.ServeHTTP(w, r)
			return
		}
		heads.Lock()
		defer heads.Unlock()
		heads.text += r.URL.String() + "\n"
	})
}

func serve(s *testcontrol.Server, g *gate) error {
	cert, key := os.Getenv("CONTROL_CERT"), os.Getenv("CONTROL_KEY")
	if cert == "" {
		return http.Serve(g, noteHeads(s))
	}
	s.ExplicitBaseURL = "https://" + g.address
	return http.ServeTLS(g, noteHeads(s), cert, key)
}

func clients(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("control clients URL AUTHKEY NAME N")
	}
	server, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	return runClients(server, args[1], args[2], n)
}

// derpMap has what CONTROL_DERP names, or nothing: then stock clients find no relay and stay idle.
func derpMap() *tailcfg.DERPMap {
	host := os.Getenv("CONTROL_DERP")
	if host == "" {
		return &tailcfg.DERPMap{}
	}
	node := &tailcfg.DERPNode{Name: "lab1", RegionID: 900, HostName: host, IPv4: host, DERPPort: 3340}
	return &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{
		900: {RegionID: 900, RegionCode: "lab", RegionName: "lab", Nodes: []*tailcfg.DERPNode{node}},
	}}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "clients" {
		if err := clients(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	if len(os.Args) < 3 {
		log.Fatal("control ADDRESS:PORT DOOR:PORT [AUTHKEY | login]")
	}
	s := &testcontrol.Server{
		ExplicitBaseURL:  "http://" + os.Args[1],
		AllNodesSameUser: true,
		AllOnline:        true,
		DERPMap:          derpMap(),
	}
	if len(os.Args) > 3 && os.Args[3] == "login" {
		s.RequireAuth = true
	} else if len(os.Args) > 3 {
		s.RequireAuthKey = os.Args[3]
	}
	if file := os.Getenv("CONTROL_KEEP"); file != "" {
		if err := keepKey(s, file); err != nil {
			log.Fatal(err)
		}
	}
	g, err := newGate(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.ListenAndServe(os.Args[2], door(s, g))) }()
	log.Fatal(serve(s, g))
}
