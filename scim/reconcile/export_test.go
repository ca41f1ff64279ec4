package reconcile

// SetSizes makes pages small, so that tests need not have thousands of resources.
func (j *Job) SetSizes(first, filtered int) {
	j.sizes = sizes{first: first, largest: 5 * first, filtered: filtered}
}
