"""Local stand-ins for the vendors: real HTTP servers that judge a request as the vendor would."""
