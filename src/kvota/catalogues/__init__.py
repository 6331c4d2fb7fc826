"""The catalogues that come with the package; ``kvota.catalogue_file.load`` reads them by name."""
