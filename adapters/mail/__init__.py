"""Mail: how it is worded, and how it is handed over."""
