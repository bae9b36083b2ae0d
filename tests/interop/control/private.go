// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

// private is a field that the test control server keeps to itself: it can neither be stopped and
// started again as the same server, nor forget a node, and real ones can.
func private(s *testcontrol.Server, name string) reflect.Value {
	field := reflect.ValueOf(s).Elem().FieldByName(name)
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// keepKey gives the server the key of the file, which is made if there is none.
func keepKey(s *testcontrol.Server, file string) error {
	var machine key.MachinePrivate
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		machine = key.NewMachine()
		if text, err = machine.MarshalText(); err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
	case err == nil:
		err = machine.UnmarshalText(text)
	}
	if err != nil {
		return err
	}
	legacy := key.NewControl()
	private(s, "noisePrivKey").Set(reflect.ValueOf(machine))
	private(s, "noisePubKey").Set(reflect.ValueOf(machine.Public()))
	private(s, "privKey").Set(reflect.ValueOf(legacy))
	private(s, "pubKey").Set(reflect.ValueOf(legacy.Public()))
	return nil
}

// deleteNodes forgets the nodes whose hostname begins so, and says how many. Their map streams
// end, and all others hear that they are gone.
func deleteNodes(s *testcontrol.Server, begin string) int {
	var gone []tailcfg.NodeID
	nodes := private(s, "nodes").Interface().(map[key.NodePublic]*tailcfg.Node)
	streams := private(s, "updates")
	lock := private(s, "mu").Addr().Interface().(*sync.Mutex)
	lock.Lock()
	for k, n := range nodes {
		if !strings.HasPrefix(n.Hostinfo.Hostname(), begin) {
			continue
		}
		gone = append(gone, n.ID)
		delete(nodes, k)
		id := reflect.ValueOf(n.ID)
		if stream := streams.MapIndex(id); stream.IsValid() {
			stream.Close()
			streams.SetMapIndex(id, reflect.Value{})
		}
	}
	lock.Unlock()
	// Who was sent such a message gets no others by itself, unless that is forgotten, too.
	silenced := private(s, "suppressAutoMapResponses")
	for _, n := range s.AllNodes() {
		s.AddRawMapResponse(n.Key, &tailcfg.MapResponse{PeersRemoved: gone})
		lock.Lock()
		silenced.SetMapIndex(reflect.ValueOf(n.Key), reflect.Value{})
		lock.Unlock()
	}
	return len(gone)
}
