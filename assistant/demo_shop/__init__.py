"""A shop to start with: products, pictures, policies and words, made from the tables in this folder."""
