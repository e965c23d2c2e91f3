"""YouTube on loopback: TLS stand-ins for its hosts behind an HTTP CONNECT proxy, with an authority of their own.

A program reaches them by its own settings: ``YOUTUBE_PROXY`` and ``SSL_CERT_FILE``. See `tests.fakes.youtube.site`.
"""
