"""PDF: text by PDFium for every page, tables on the pages that show a grid."""
