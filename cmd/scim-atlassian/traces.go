package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/scim/server"
	"scim-atlassian/scim/tracing"
)

// lastExport is how long the end of the program waits for the collector.
const lastExport = 3 * time.Second

// checkCollector says what is wrong with the settings of the collector.
func (c *config) checkCollector() error {
	if c.OTLPEndpoint == "" {
		return nil
	}
	if err := tracing.CheckEndpoint(c.OTLPEndpoint); err != nil {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	if _, err := tracing.ParseHeaders(string(c.OTLPHeaders)); err != nil {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: %w", err)
	}
	return nil
}

// tracer makes what tells a collector of the requests, nil without one.
func (c *config) tracer(ctx context.Context, logger *zap.Logger) (*tracing.Tracer, error) {
	if c.OTLPEndpoint == "" {
		return nil, nil
	}
	headers, err := tracing.ParseHeaders(string(c.OTLPHeaders))
	if err != nil {
		return nil, err // checkCollector has said so
	}
	logger = logger.Named("tracing")
	t, err := tracing.New(ctx, tracing.Config{Endpoint: c.OTLPEndpoint, Headers: headers, Version: version(), Base: server.BasePath,
		OnError: func(err error) { logger.Warn("spans are lost", zap.Error(err)) }})
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	return t, nil
}

// closeTracer exports the last spans.
func (c *config) closeTracer(t *tracing.Tracer, logger *zap.Logger) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastExport)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		logger.Named("tracing").Warn("the last spans are lost", zap.Error(err))
	}
}
