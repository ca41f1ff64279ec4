.PHONY: kill day limits hostile build test race lint fuzz conformance interop tools keycloak-test image deploy dist browser pictures bench chaos profile demo ci

build:
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/scim-atlassian

test:
	go test ./...

race:
	go test -race ./...

lint:
	.ci/run lint

fuzz:
	.ci/run fuzz

conformance:
	.ci/run conformance

interop:
	.ci/run interop

tools:
	.ci/run tools

keycloak-test:
	.ci/run keycloak

image:
	.ci/run image

deploy:
	.ci/run deploy

dist:
	.ci/dist --twice

browser:
	.ci/run browser

# The pictures of docs/console.md: clients are at work for ten minutes, so that there is something to see.
pictures:
	cd browser && go test -count=1 -timeout 30m . -required -pictures ../docs/console -traffic 10m

bench:
	go run ./measure/bench $(BENCH)

chaos:
	go run ./measure/chaos $(CHAOS)

kill:
	go run ./measure/kill $(KILL)

day:
	go run ./measure/day $(DAY)

hostile:
	go run ./measure/hostile $(HOSTILE)

limits:
	go run ./measure/limits $(LIMITS)

profile:
	go run ./measure/bench -members 0 -profile bin/profiles

demo:
	go run ./cmd/scim-atlassian demo

ci:
	.ci/run
