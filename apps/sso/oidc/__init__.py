"""OpenID Connect as we speak it: the code flow with PKCE, state and nonce. It knows no tables and no pages."""
