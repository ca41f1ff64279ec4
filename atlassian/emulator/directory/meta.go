package directory

import (
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// The discovery endpoints: RFC 7643 sections 5 to 7. Atlassian's OpenAPI
// document types their answers as plain strings, so the shapes follow public
// clients that decode them.

const urnMeta = "urn:ietf:params:scim:schemas:core:2.0:"

// object is a JSON object that the package makes.
type object = map[string]any

func (d *Directory) serviceProviderConfig(w http.ResponseWriter, r *http.Request) error {
	unsupported := object{"supported": false}
	tenant.WriteJSON(w, http.StatusOK, answerType(r), object{
		"schemas":        []string{urnMeta + "ServiceProviderConfig"},
		"patch":          object{"supported": true},
		"bulk":           object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":         object{"supported": true, "maxResults": d.options.PageCap},
		"changePassword": unsupported,
		"sort":           unsupported,
		"etag":           unsupported,
		"authenticationSchemes": []object{{
			"type": "oauthbearertoken", "name": "OAuth Bearer Token",
			"description": "Authentication scheme using the OAuth Bearer Token Standard",
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": baseURL + "/ServiceProviderConfig"},
	})
	return nil
}

func resourceTypeDocuments() []object {
	document := func(name, urn string) object {
		return object{
			"schemas": []string{urnMeta + "ResourceType"}, "id": name, "name": name,
			"endpoint": "/" + name + "s", "description": name, "schema": urn,
			"meta": object{"resourceType": "ResourceType", "location": baseURL + "/ResourceTypes/" + name},
		}
	}
	user := document("User", urnUser)
	user["schemaExtensions"] = []object{
		{"schema": urnEnterprise, "required": false}, {"schema": urnAtlassian, "required": false},
	}
	return []object{user, document("Group", urnGroup)}
}

func (d *Directory) resourceTypes(w http.ResponseWriter, r *http.Request) error {
	return writeDocuments(w, r, resourceTypeDocuments())
}

func (d *Directory) resourceType(w http.ResponseWriter, r *http.Request) error {
	return writeDocument(w, r, resourceTypeDocuments(), r.PathValue("name"))
}

func (d *Directory) schemas(w http.ResponseWriter, r *http.Request) error {
	return writeDocuments(w, r, schemaDocuments())
}

func (d *Directory) schema(w http.ResponseWriter, r *http.Request) error {
	return writeDocument(w, r, schemaDocuments(), r.PathValue("urn"))
}

func writeDocuments(w http.ResponseWriter, r *http.Request, documents []object) error {
	resources := make([][]byte, len(documents))
	for i, document := range documents {
		resources[i] = tenant.JSON(document)
	}
	writeList(w, r, len(documents), 1, resources)
	return nil
}

func writeDocument(w http.ResponseWriter, r *http.Request, documents []object, id string) error {
	i := slices.IndexFunc(documents, func(document object) bool { return document["id"] == id })
	if i < 0 {
		return notFound("SCHEMA", id)
	}
	tenant.WriteJSON(w, http.StatusOK, answerType(r), documents[i])
	return nil
}

// schemaDocuments describes the attributes that PATCH knows.
func schemaDocuments() []object {
	document := func(s *shapes, name string) object {
		attributes := []object{}
		for _, a := range s.attributes {
			if a.name != "schemas" && a.name != "meta" {
				attributes = append(attributes, a.document())
			}
		}
		return object{
			"schemas": []string{urnMeta + "Schema"}, "id": s.urn, "name": name, "description": name, "attributes": attributes,
			"meta": object{"resourceType": "Schema", "location": baseURL + "/Schemas/" + s.urn},
		}
	}
	users := userShapes()
	return []object{
		document(users, "User"), document(groupShapes(), "Group"), document(users.extension, "Enterprise User"),
	}
}

func (a shape) document() object {
	kind := "string"
	if a.subs != nil || a.name == "groups" {
		kind = "complex"
	} else if a.name == "active" || a.name == "primary" {
		kind = "boolean"
	}
	mutability := "readWrite"
	if a.readOnly {
		mutability = "readOnly"
	}
	uniqueness := "none"
	if a.name == "userName" {
		uniqueness = "server"
	}
	attribute := object{
		"name": a.name, "type": kind, "multiValued": a.multi || a.name == "groups",
		"required":  a.name == "userName" || a.name == "emails",
		"caseExact": strings.HasSuffix(strings.ToLower(a.name), "id"), "mutability": mutability,
		"returned": "default", "uniqueness": uniqueness,
	}
	if a.subs != nil {
		subs := []object{}
		for _, sub := range a.subs {
			subs = append(subs, shape{name: sub}.document())
		}
		attribute["subAttributes"] = subs
	}
	return attribute
}
