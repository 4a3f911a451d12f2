b,one
