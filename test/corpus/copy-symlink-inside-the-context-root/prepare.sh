printf r > real; ln -s /real link
