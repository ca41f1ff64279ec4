# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /scim-atlassian ./cmd/scim-atlassian && mkdir /state

# The static image has the certificate authorities and the time zones, and nothing to run but the program.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /scim-atlassian /scim-atlassian
COPY --from=build --chown=65532:65532 /state /state
WORKDIR /
ENV SCIM_ATLASSIAN_STATE=file:/state/scim-atlassian.db
EXPOSE 7001
ENTRYPOINT ["/scim-atlassian"]
CMD ["serve"]
