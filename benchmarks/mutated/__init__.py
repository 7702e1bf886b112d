"""Well-kept packages laid out as repositories, damaged in known ways: a measure with truth by construction."""
