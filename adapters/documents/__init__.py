"""The invoice as documents: a hybrid PDF (PDF/A-3a, PDF/UA-1, Factur-X) and the CII XML embedded in it."""
