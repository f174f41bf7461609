"""The layout `sizes`: perplexity of a pretrained model by policy and size of the state that the policy keeps."""
