# docker build -t scim-atlassian --build-arg COMMIT=$(git rev-parse HEAD) .
# The bases are arguments, so that it is also built on bases of one's own, and where no registry can be reached (.ci/image).
ARG GO_IMAGE=golang:1.26
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
ARG COMMIT=
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /scim-atlassian \
      -ldflags="-s -w -X main.revision=${COMMIT} ${VERSION:+-X main.release=${VERSION}}" ./cmd/scim-atlassian && \
    mkdir /state

# The base has the certificate authorities, and nothing to run but the program.
FROM ${BASE_IMAGE}
COPY --from=build /scim-atlassian /scim-atlassian
COPY --from=build --chown=65532:65532 /state /state
WORKDIR /
USER 65532:65532
ENV SCIM_ATLASSIAN_STATE=file:/state/scim-atlassian.db
VOLUME /state
EXPOSE 7001
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["/scim-atlassian", "healthcheck", "--traffic"]
ENTRYPOINT ["/scim-atlassian"]
CMD ["serve"]
