package state

import "context"

// Migrations are those of this release.
var Migrations = migrations

// OpenWith is Open in a release with other migrations.
func OpenWith(ctx context.Context, where string, steps []string) (*Store, error) {
	s, err := connect(ctx, where, Options{})
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, steps); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Exec runs a statement as it is.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.write.ExecContext(ctx, statement)
	return err
}
