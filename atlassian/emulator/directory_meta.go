package emulator

import "net/http"

func (d *directory) serviceProviderConfig(w http.ResponseWriter, r *http.Request) error { return nil }
func (d *directory) resourceTypes(w http.ResponseWriter, r *http.Request) error         { return nil }
func (d *directory) resourceType(w http.ResponseWriter, r *http.Request) error          { return nil }
func (d *directory) schemas(w http.ResponseWriter, r *http.Request) error               { return nil }
func (d *directory) schema(w http.ResponseWriter, r *http.Request) error                { return nil }
