"""The processes, one a file. They know activities and the domain; nothing of databases, providers or PDFs."""
