"""PostgreSQL for Django, with connections that are checked without a round trip. Named by DATABASES' ENGINE."""
