"""Goals against their floors in the same run. Printed, never asserted: .ci/long runs them, a person reads them."""
