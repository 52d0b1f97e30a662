"""Benchmarks of the running product: what `sansheng bench` prints and keeps."""
