ln -s /etc d
