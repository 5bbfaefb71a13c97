"""The report stage: results.json, predictions files, the terminal table and the page."""
