// SPDX-License-Identifier: BSD-3-Clause

// A control server for the tests: Tailscale's own test control server behind an address of the
// caller's choice, and beside it a plain HTTP door on which the test moves the tailnet about.
//
//	control ADDRESS:PORT DOOR:PORT [AUTHKEY | login]
//
// With CONTROL_CERT and CONTROL_KEY, two files, it speaks TLS. With CONTROL_DERP, an IPv4 address, it
// tells the nodes of a relay there: a derper that speaks HTTP on 3340. With login a person has to let each node in, whose part the door plays.
//
//	GET  /nodes                  every node as JSON, with what it said of itself
//	GET  /online                 how many map streams are open
//	POST /fake?id=N              a node that nobody runs joins, at 100.64.100.N, 1 to 254
//	POST /raw?node=KEY           the body is a MapResponse: it goes out on that node's stream
//	POST /routes?node=KEY&routes=PREFIX,PREFIX    these are the node's from now on
//	POST /ping?node=KEY&url=URL&types=T&noise=1    a PingRequest for that node
//	GET  /heads                  the URLs that were asked for by HEAD, a line each
//	POST /c2n?node=KEY&path=P    the body goes to that node's own server: its answer and status
//	POST /login?url=URL          lets the node in that was told to open that URL
//	POST /expire?on=1            all node keys have expired, or (0) have not
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

func door(s *testcontrol.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /nodes", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(s.AllNodes())
	})
	mux.HandleFunc("GET /online", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, s.InServeMap())
	})
	mux.HandleFunc("POST /fake", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseUint(r.FormValue("id"), 10, 8)
		if err != nil || id == 0 || id == 255 {
			http.Error(w, "id: 1 to 254", http.StatusBadRequest)
			return
		}
		s.UpdateNode(fakeNode(byte(id)))
	})
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

func serve(s *testcontrol.Server, address string) error {
	cert, key := os.Getenv("CONTROL_CERT"), os.Getenv("CONTROL_KEY")
	if cert == "" {
		return http.ListenAndServe(address, noteHeads(s))
	}
	s.ExplicitBaseURL = "https://" + address
	return http.ListenAndServeTLS(address, cert, key, noteHeads(s))
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
	go func() { log.Fatal(http.ListenAndServe(os.Args[2], door(s))) }()
	log.Fatal(serve(s, os.Args[1]))
}
