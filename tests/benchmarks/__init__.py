"""Goals against their floors in the same run: .ci/long prints them, a person reads them."""
