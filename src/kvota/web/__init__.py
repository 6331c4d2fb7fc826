"""The dashboard: pages, their texts in both languages, and what they look like."""
