"""What a person sees: the chat page and the command line. No logic of the product."""
