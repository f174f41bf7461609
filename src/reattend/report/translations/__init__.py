"""The layout `translations`: BLEU of trained models, paired by training seed and by test sentence."""
