"""Generated from `chain.proto` by `tools/generate_messages.py`; nothing here is written by hand."""
